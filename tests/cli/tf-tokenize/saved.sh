M=$SRC/tests/golden/models/bert
tf-tokenize -m "$M" --add-token '<new>' --add-special-token '<sep2>' --save out
ls out
echo 'one <new>two<sep2>' > text
tf-tokenize -m out --tokens --columns tokens,input_ids text
tf-tokenize -m "$M" --add-token 'ö' --save other --count --only text
tf-tokenize -m "$M" --save /dev/null/out
