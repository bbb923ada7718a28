/* The verbs `synod sim run` and `synod sim sweep`. Arguments begin behind the verb: argv[0] is the
 * verb itself. Exit codes: 0 good, 1 something was violated or failed, 2 wrong usage. */
#ifndef SIM_SIM_CLI_H
#define SIM_SIM_CLI_H

int sim_cli_run(int argc, char **argv);
int sim_cli_sweep(int argc, char **argv);

#endif
