"""What models say of data: likelihoods, diagnostics, forecasts, gaps filled, and their pictures."""
