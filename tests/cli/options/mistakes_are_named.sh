for words in --topk --function=sofmax --function=zzz --top-k --top-k=3x --top-k=101 --top-k=-1 --top-k= --scale=nan --scale=0x2 --scale=9 \
    --batch-size=0 --top-k=99999999999999999999 -Z -k --only=yes --aln --threads=0 --unknowable --dtype=fp32 --format=csv; do
    tf-measure $words
    [ $? = 2 ] || echo "status of $words"
done
tf-measure --top-k ''
tf-measure "--prefix=$(printf '\377')"
tf-measure --columns ,
TF_THREADS=many tf-measure
