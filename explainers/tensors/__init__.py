"""Chapter Tensors."""
