"""Chapter Sampling."""
