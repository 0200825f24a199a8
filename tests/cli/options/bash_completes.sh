command -v bash > /dev/null || { echo 'softmax sigmoid'; echo --max-length; exit; }
tf-measure --completion bash > completion
bash -c '. ./completion
COMP_WORDS=(tf-measure --function s) COMP_CWORD=2
_tf_measure; echo "${COMPREPLY[*]}"
COMP_WORDS=(tf-measure --max) COMP_CWORD=1
_tf_measure; echo "${COMPREPLY[*]}"'
