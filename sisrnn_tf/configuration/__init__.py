"""What a run is made of, by name: its configuration, the presets of sizes, the memory that they want."""
