// Plan shows how a change affects the stacks of a Pulumi program in Go on AWS; see package cli. All it needs of a
// repository is its Pulumi.yaml.
package main

import "dossier.example/plan/cli"

func main() { cli.Main(cli.Project{}) }
