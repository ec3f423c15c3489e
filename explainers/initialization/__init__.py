"""Chapter Initialization."""
