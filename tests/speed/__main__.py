"""`python -m tests.speed`: comparisons with peers, each in one run, and the cost of a request by models."""

from tests.speed import feature_extraction, large, recommend

if __name__ == "__main__":
    recommend.main()
    large.main(["1000", "5000"])
    feature_extraction.main()
