# what is only here, other shapes, types and numbers
G=$SRC/tests/golden
tf-model diff $G/models/bert $G/models/bert; echo $?
tf-model diff $G/models/bert $G/models/bert-f16 | head -n 1
tf-model diff $G/decoders/llama $G/decoders/llama-linear > out; echo $?
tf-model diff $G/models/bert $G/models/bert-regression | tail -n 2
tf-model diff $G/models/bert; echo $?
tf-model diff $G/models/bert /nowhere; echo $?
