"""What models say of data: likelihoods, diagnostics, gaps of the bound, forecasts, imputation, and their pictures."""
