"""JSON Schema of a case on disk, and in words how to compare with it."""

FORMAT = 2  # 1 had no lists of arrays among the arguments
COMPARE = (
    "By quantity: what stands before a colon is the function, whose formula is in the manifest's definitions. It gets"
    " w, x, y and for hvp v from inputs (predict w and x; derived scalars none), then arguments by name. A result"
    " agrees if it has the shape of value and |got - value| <= tolerance in every entry; NaN and infinity never agree,"
    " so write the test as not (|got - value| <= tolerance). Of sgd, descend and train the last iterate alone,"
    " value[-1], will do."
)
_ARRAY = {
    "type": "object", "required": ["shape", "dtype"], "additionalProperties": False,
    "oneOf": [{"required": ["decimal"]}, {"required": ["npz"]}],
    "properties": {
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "dtype": {"enum": ["float64", "float32", "int64"]},
        "decimal": {"type": "array", "items": {"type": "number"}, "description": "row-major, shortest that reads back"},
        "hex": {"type": "array", "items": {"type": "string"}, "description": "the same as C99 hexadecimal floats"},
        "npz": {"type": "string", "description": "name of the array in the .npz file beside this one"},
    },
}
_NUMBER = {"type": "object", "required": ["decimal", "hex"], "additionalProperties": False,
           "properties": {"decimal": {"type": "number"}, "hex": {"type": "string"}}}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "One case: a model with parameters and data, and everything that should come out",
    "type": "object",
    "required": ["format", "name", "model", "dtype", "note", "settings", "inputs", "expected"],
    "additionalProperties": False,
    "$defs": {"array": _ARRAY, "number": _NUMBER,
              "argument": {"anyOf": [{"$ref": "#/$defs/array"}, {"$ref": "#/$defs/number"},
                                     {"type": "array", "items": {"$ref": "#/$defs/array"},
                                      "description": "one array per step: batches of unequal size"},
                                     {"type": ["integer", "boolean", "string", "null"]}]}},
    "properties": {
        "format": {"const": FORMAT},
        "name": {"type": "string"},
        "model": {"type": "string"},
        "dtype": {"enum": ["float64", "float32"], "description": "type of the inputs; values are computed in float64"},
        "note": {"type": "string", "description": "what is hard about the case, and the convention that is meant"},
        "settings": {"type": "object", "description": "arguments that construct the model"},
        "inputs": {"type": "object", "required": ["w", "x", "y", "v"], "additionalProperties": False,
                   "properties": {part: {"$ref": "#/$defs/argument"} for part in "wxyv"}},
        "expected": {"type": "object", "description": COMPARE, "additionalProperties": {
            "type": "object", "required": ["arguments", "value", "tolerance"], "additionalProperties": False,
            "properties": {"arguments": {"type": "object", "additionalProperties": {"$ref": "#/$defs/argument"}},
                           "value": {"$ref": "#/$defs/array"},
                           "tolerance": {"$ref": "#/$defs/argument",
                                         "description": "largest absolute deviation that passes; broadcasts"}}}},
    },
}
