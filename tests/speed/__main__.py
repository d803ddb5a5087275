"""`python -m tests.speed`: both comparisons with peers, each in one run on this machine."""

from tests.speed import feature_extraction, recommend

if __name__ == "__main__":
    recommend.main()
    feature_extraction.main()
