printf 'abc\n' > in
tf-measure in --progress always 2>&1 > /dev/null | sed -E 's/[0-9.]+\/s/X\/s/'
tf-measure in --progress never > /dev/null
