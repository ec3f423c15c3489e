"""Chapter Optimizers."""
