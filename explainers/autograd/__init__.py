"""Chapter Autograd."""
