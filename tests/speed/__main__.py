"""`python -m tests.speed`: comparisons with peers, each in one run, and the cost of a request by models."""

from tests.speed import feature_extraction, many, recommend

if __name__ == "__main__":
    recommend.main()
    many.main(())
    feature_extraction.main()
