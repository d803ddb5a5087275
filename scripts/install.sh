#!/bin/sh
# Makes .venv with everything pinned. A CPU build of torch by default; TORCH=cuda takes the plain build.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
TORCH=${TORCH:-cpu}
EXTRAS=${EXTRAS:-probe,dev}

"$PYTHON" - <<'PY' || { echo "Python 3.11, 3.12 or 3.13 is needed; set PYTHON=/path/to/it" >&2; exit 1; }
import sys
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PY
[ -x .venv/bin/python ] || "$PYTHON" -m venv .venv || {
    echo "No virtual environment could be made: apt install python3-venv" >&2; exit 1; }

pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }
version=$(sed -n 's/^torch==//p' constraints.txt)

case ",$EXTRAS," in
*,probe,*)
    installed=$(.venv/bin/python -c 'from importlib.metadata import version; print(version("torch"))' 2>/dev/null || true)
    if [ "${installed%%+*}" != "$version" ]; then
        # Asking for the +cpu build by name fails at once where it is not to be had, rather than pull in
        # gigabytes of CUDA libraries. macOS and ARM wheels are CPU builds anyway.
        if [ "$TORCH" = cpu ] && [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ]; then
            pip install --quiet --no-deps --retries 0 "torch==$version+cpu" 2>/dev/null ||
            pip install --quiet --no-deps --retries 0 --timeout 30 "torch==$version+cpu" \
                --index-url https://download.pytorch.org/whl/cpu 2>/dev/null ||
            { echo "No CPU build of torch $version found; taking the plain one" >&2
              pip install --quiet "torch==$version"; }
        else
            pip install --quiet "torch==$version"
        fi
    fi ;;
esac
# Some packages come as sources only; built the new way they name what they need for it, whatever pip this is.
pip install --quiet --use-pep517 --constraint constraints.txt --editable ".[$EXTRAS]"
touch .venv/.installed
