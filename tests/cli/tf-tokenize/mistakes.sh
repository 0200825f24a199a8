M=$SRC/tests/golden/models
status() { echo "status $?" >&2; }
tf-tokenize; status
tf-tokenize -m ./none; status
tf-tokenize -m none.gguf; status
tf-tokenize -m none/at/all; status
tf-tokenize -m org/none --offline --cache-dir cache; status
tf-tokenize -m "$M/bert" --count --decode; status
tf-tokenize -m "$M/bert" --max-length 5 --stride 3; status
tf-tokenize -m "$M/bert" --padding max; status
mkdir empty broken
tf-tokenize -m empty < /dev/null 2> /dev/null; status
echo '{"model": {' > broken/tokenizer.json
tf-tokenize -m broken < /dev/null; status
