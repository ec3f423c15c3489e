"""Chapter Precision."""
