"""Chapter Losses."""
