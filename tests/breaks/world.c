/* The sweep of whole replicas as a program of its own: what tests/breaks/run.lua links with a
 * broken source. Its arguments are those of `synod sim sweep`. */
#include "sim/sim_cli.h"

int main(int argc, char **argv) {
    return sim_cli_sweep(argc, argv);
}
