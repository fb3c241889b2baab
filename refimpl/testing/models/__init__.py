"""The models of the conformance kit, a file a study: cases, functions and scalars."""
