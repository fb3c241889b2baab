"""The models of the conformance kit, a file per study: cases, functions and scalars."""
