# syntax=docker/dockerfile:1
# Targets: api (no torch), worker-cpu, worker-cuda. `docker compose` builds api and worker-cpu.

FROM python:3.12-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PATH=/opt/venv/bin:$PATH ADVISOR_DATA_DIR=/data
RUN python -m venv /opt/venv \
    && groupadd --gid 10001 advisor \
    && useradd --uid 10001 --gid advisor --no-create-home --home-dir /data --shell /usr/sbin/nologin advisor \
    && install -d -o advisor -g advisor /data
WORKDIR /srv/advisor
COPY pyproject.toml constraints.txt README.md alembic.ini ./
COPY app app
COPY models_registry models_registry
COPY benchmarks benchmarks
COPY alembic alembic

FROM base AS api
RUN pip install --constraint constraints.txt --editable .
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["advisor", "serve", "--host", "0.0.0.0", "--port", "8000", "--no-worker"]

FROM base AS worker-cpu
RUN version=$(sed -n 's/^torch==//p' constraints.txt) \
    && pip install --no-deps "torch==${version}+cpu" --index-url https://download.pytorch.org/whl/cpu \
    && pip install --constraint constraints.txt --editable ".[probe]"
USER 10001:10001
VOLUME /data
CMD ["advisor", "worker"]

FROM base AS worker-cuda
RUN pip install --constraint constraints.txt --editable ".[probe]"
USER 10001:10001
VOLUME /data
CMD ["advisor", "worker"]
