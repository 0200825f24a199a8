{ echo before; head -c 140000000 /dev/zero; printf '\nafter\n'; } | tf-measure -q
