# SPDX-License-Identifier: BSD-3-Clause
# gnuplot -e "csv='FILE'; png='FILE'" curve.gp
set terminal pngcairo size 900,540
set output png
set datafile separator ','
set key top left autotitle columnhead noenhanced
set logscale x
set format x '%.0s%c'
set xlabel 'bindings'
set ylabel 'ns an operation'
set yrange [0:*]
set grid
stats csv skip 1 nooutput
plot for [i=2:STATS_columns] csv using 1:i with linespoints
