echo a > -odd
for words in '-k7 -v' '-k 7 -v' '-vk7' '--top-k=7 --verbose' '--top-k 7 -v' '-v --function=none --target a --target=b' \
    '-v --logprobs' '-v --logprobs=3' '-v --function softmax --scale 2.5'; do
    # shellcheck disable=SC2086
    tf-measure --columns bytes $words -- -odd 2>&1
done
echo b | tf-measure --columns bytes - -- -odd
