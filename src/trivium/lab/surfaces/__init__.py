"""The emulated surfaces, one module each; a module offers `build(setup) -> Surface`."""
