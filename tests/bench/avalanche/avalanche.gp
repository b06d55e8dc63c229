# SPDX-License-Identifier: BSD-3-Clause
# gnuplot -e "csv='FILE'; png='FILE'" avalanche.gp: a curve for each series, in the order of their lines.
set terminal pngcairo size 1100,540
set output png
set datafile separator ','
set key outside right top noenhanced
set logscale x
set xlabel 'seconds after the power came back'
set ylabel '% of the phones registered'
set xrange [0.1:*]
set yrange [0:100]
set grid
names = system("awk -F, 'NR > 1 && !seen[$1]++ { print $1 }' " . csv)
plot for [name in names] csv using (strcol(1) eq name && column(2) > 0 ? column(2) : NaN):3 \
    with steps linewidth 2 dashtype 1 + (strstrt(name, 'kamailio') > 0) title name
