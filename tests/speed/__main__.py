"""`python -m tests.speed`: comparisons with peers, each in one run, and the cost of a request by models."""

from tests.speed import (
    feature_extraction,
    fine_tuning,
    large,
    predicted,
    recommend,
    transferability,
    whole_run,
)

if __name__ == "__main__":
    recommend.main()
    large.main(["1000", "5000"])
    feature_extraction.main()
    transferability.main()
    fine_tuning.main()
    predicted.main()
    whole_run.main()
