"""Offline: learns the prior and the calibrations from figures."""
