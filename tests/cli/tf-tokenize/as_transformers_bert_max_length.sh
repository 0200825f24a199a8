tf-tokenize -m $SRC/tests/golden/models/bert --max-length 9 --tokens --offsets --special-mask --words --only -q <<'END'
{"text": "Hello world, hello!"}
{"text": ""}
{"text": "  é日本 x"}
{"text": "a b c d e f g h i j k l m"}
{"text": "[MASK] one </s> two"}
{"text": "Hello world, hello!", "text_pair": "second text here"}
{"text": "", "text_pair": "  é日本 x"}
{"text": "  é日本 x", "text_pair": "a b c d e f g h i j k l m"}
{"text": "a b c d e f g h i j k l m", "text_pair": "[MASK] one </s> two"}
END
