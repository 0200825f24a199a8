# labels of one's own
m=$SRC/tests/golden/pipelines/nli-roberta
echo "The acting is superb." > in
tf-classify -m $m --candidate-labels 'film, sport ,,politics' < in |
	"$SRC/tests/cli/round"
tf-classify -m $m --candidate-labels film,sport --multi-label -k 1 --only < in |
	"$SRC/tests/cli/round"
tf-classify -m $m --candidate-labels film --only \
	--hypothesis-template 'It is {}, {{so}}.' < in | "$SRC/tests/cli/round"
tf-classify -m $m --candidate-labels , < in; echo $?
tf-classify -m $m --candidate-labels a --hypothesis-template none < in; echo $?
tf-classify -m $m --candidate-labels a --hypothesis-template '{a}' < in; echo $?
# no model of inference: the last label is taken, and said so
tf-classify -m $SRC/tests/golden/models/modernbert --candidate-labels a,b \
	--only < in | "$SRC/tests/cli/round"
