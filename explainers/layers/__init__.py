"""Chapter Layers."""
