package policy

import (
	"fmt"

	"dossier.example/plan/graph"
)

func otherRules() []Rule {
	return []Rule{
		{
			ID: "CKV_AWS_66",
			Says: "Log groups forget after a set time, also those that RDS would otherwise make by itself and keep " +
				"for ever.",
			Needs: []string{logGroupType},
			Check: All(
				Each(logGroupType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
					if n, ok := graph.Number(r.Input("retentionInDays")); ok && n > 0 {
						return nil
					}
					return []Violation{At(r, "set retentionInDays",
						"retentionInDays is %s: it keeps everything for ever", Shown(r.Input("retentionInDays")))}
				}),
				eachDatabase(func(g *graph.Graph, _ Environment, d database) []Violation {
					what, identifier := "instance", "identifier"
					if d.cluster {
						what, identifier = "cluster", "clusterIdentifier"
					}
					var found []Violation
					for _, kind := range graph.Texts(d.Input("enabledCloudwatchLogsExports")) {
						name := fmt.Sprintf("/aws/rds/%s/%s/%s", what, graph.Text(d.Either(identifier)), kind)
						if g.Resolve(name, logGroupType) == nil {
							found = append(found,
								At(d.Resource, "add a LogGroup of that name with retentionInDays",
									"its log group %s is not in the graph", name))
						}
					}
					return found
				}),
			),
		},
		{
			ID:    "CKV_AWS_158",
			Says:  "Log groups are encrypted with a customer-managed KMS key.",
			Needs: []string{logGroupType},
			Check: unless(logGroupType, func(_ *graph.Graph, r *graph.Resource) bool {
				return r.Input("kmsKeyId") != nil
			}, "set kmsKeyId", "it is encrypted with an AWS key"),
		},
		{
			ID:    "CKV_AWS_337",
			Says:  "Secrets in Parameter Store are encrypted with a customer-managed KMS key.",
			Needs: []string{parameterType},
			Check: unless(parameterType, func(_ *graph.Graph, r *graph.Resource) bool {
				return graph.Text(r.Input("type")) != "SecureString" && !isMark(r.Input("type")) ||
					r.Input("keyId") != nil
			}, "set keyId", "it is encrypted with the account's key for Parameter Store"),
		},
		{
			ID:   "Plan.Secrets.1",
			Says: "No value of a secret stands in plain in any input or output: secrets stay marked wherever they go.",
			Read: true,
			Check: func(g *graph.Graph, _ Environment) []Violation {
				const mend = "keep the value an output that is secret; pass the name of a parameter instead"
				var found []Violation
				for _, leak := range g.Leaks {
					if r := g.ByURN(leak.URN); r != nil {
						found = append(found, At(r, mend, "%s contains the value of a secret unencrypted",
							leak.Property))
					} else {
						found = append(found,
							Violation{Message: "the stack's output " + leak.Property +
								" contains the value of a secret unencrypted", Mend: mend})
					}
				}
				return found
			},
		},
		{
			ID: "Plan.Secrets.2",
			Says: "Passwords are generated or come marked as secret, and secrets are kept in Parameter Store as " +
				"SecureString.",
			Check: All(
				eachDatabase(func(_ *graph.Graph, _ Environment, d database) []Violation {
					key := "password"
					if d.cluster {
						key = "masterPassword"
					}
					if v := d.Input(key); v != nil && v != graph.Secret {
						return []Violation{At(d.Resource, "make it a secret output",
							"its password is not marked as secret")}
					}
					return nil
				}),
				Each(parameterType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
					if graph.Text(r.Input("type")) != "SecureString" && r.Input("value") == graph.Secret {
						return []Violation{At(r, "set type to SecureString", "it contains a secret but is of type %s",
							Shown(r.Input("type")))}
					}
					return nil
				}),
			),
		},
		{
			ID: "Plan.Command.1",
			Says: "Remote commands know their host's key, retry a limited number of times, and get no secret through " +
				"their environment or command line.",
			Check: Each(remoteCommandType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				var found []Violation
				if v := r.Input("connection.hostKey"); v == nil {
					found = append(found, At(r, "set connection.hostKey", "it trusts any host that answers"))
				}
				// Left out, they are 10 errors and 15 seconds.
				if v := r.Input("connection.dialErrorLimit"); v != nil && !atLeast(v, 0) {
					found = append(found,
						At(r, "set connection.dialErrorLimit to a number",
							"connection.dialErrorLimit is %s: a host that does not respond hangs the deployment",
							Shown(v)))
				}
				if v := r.Input("connection.perDialTimeout"); v != nil && !atLeast(v, 1) {
					found = append(found,
						At(r, "set connection.perDialTimeout to some seconds",
							"connection.perDialTimeout is %s: a host that does not respond hangs the deployment",
							Shown(v)))
				}
				for _, key := range []string{"create", "update", "delete", "stdin", "environment", "triggers"} {
					graph.Walk(key, r.Input(key), func(path string, v any) {
						if v == graph.Secret {
							found = append(found, At(r, "let the script read it on the host", "%s holds a secret",
								path))
						}
					})
				}
				return found
			}),
		},
	}
}

func atLeast(v any, least float64) bool {
	n, ok := graph.Number(v)
	return ok && n >= least
}
