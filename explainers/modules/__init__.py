"""Chapter Modules."""
