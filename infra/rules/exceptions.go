package rules

import (
	"slices"

	"dossier.example/plan/graph"
	"dossier.example/plan/policy"
)

const (
	bucketLifecycleType  = "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2"
	bucketEncryptionType = "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2"
)

// exceptions are where rules of the catalogue are not kept on purpose, by the id of the rule.
func (has promises) exceptions() map[string][]policy.Exception {
	// Of every rule that asks for HTTPS.
	noCertificate := []policy.Exception{{
		Reason: "Without a domain there is no certificate that browsers would trust; a newcomer is asked for none.",
		When:   "The environment has no domain and is not for production.",
		Holds:  func(*graph.Graph, policy.Environment, policy.Violation) bool { return !has.domain && !has.production },
	}}
	return map[string][]policy.Exception{
		"EC2.9": {
			{
				Reason: "The jump server is the entry point for operators, and must reach AWS even when the private " +
					"subnets' " +
					"NAT is broken.",
				When: "It is the only such instance, and nobody but operators can open a connection to it from " +
					"outside.",
				Holds: func(g *graph.Graph, _ policy.Environment, v policy.Violation) bool {
					var jumps []graph.Place
					for _, p := range g.Places() {
						if p.Kind == graph.KindInstance {
							jumps = append(jumps, p)
						}
					}
					return len(jumps) == 1 && jumps[0].Resource.URN == v.URN && !opened(g, jumps[0], graph.Internet)
				},
			},
			{
				Reason: "A NAT instance needs a public address for the traffic of the private subnets.",
				When:   "A route leads to it, and nobody can open a connection to it from outside.",
				Holds: func(g *graph.Graph, _ policy.Environment, v policy.Violation) bool {
					return slices.ContainsFunc(g.Places(), func(p graph.Place) bool {
						return p.Kind == graph.KindNAT && p.Resource.URN == v.URN &&
							!opened(g, p, graph.Internet, graph.Operators)
					})
				},
			},
		},
		"ELB.1":  noCertificate,
		"ELB.17": noCertificate,
		"ELB.18": noCertificate,
		"CKV_AWS_378": {{
			Reason: "Traffic from the load balancer to an instance stays within the VPC, where addresses cannot be " +
				"forged; load balancers do not verify a target's certificate, so HTTPS there would not stop anyone " +
				"who could get in between.",
			When: "The targets stand in private subnets, and nobody but a load balancer can open a connection to " +
				"them.",
			Holds: func(g *graph.Graph, _ policy.Environment, v policy.Violation) bool {
				tg := g.ByURN(v.URN)
				if tg == nil {
					return false
				}
				balancers := map[string]bool{}
				var targets []graph.Place
				for _, p := range g.Places() {
					balancers[p.Name] = p.Kind == graph.KindLoadBalancer
					if g.Targets(tg, p.Resource) {
						targets = append(targets, p)
					}
				}
				return len(targets) > 0 && !slices.ContainsFunc(targets, func(p graph.Place) bool {
					return p.PublicIP || slices.ContainsFunc(p.Subnets, g.Public) ||
						slices.ContainsFunc(g.Reachability(), func(r graph.Reach) bool {
							return r.To == p.Name && !balancers[r.From]
						})
				})
			},
		}},
		"CKV2_AWS_28": {{
			Reason: "AWS WAF is billed per month, per rule and per request, and each organization chooses its own " +
				"rules; " +
				"the app limits rates and sizes itself. It is an option, site.webAcl.",
			When:  "The settings name no web ACL.",
			Holds: func(_ *graph.Graph, _ policy.Environment, _ policy.Violation) bool { return !has.webACL },
		}},
		"RDS.23": {{
			Reason: "Another port hides nothing from those who can reach the database; security groups decide who " +
				"can, " +
				"and every tool expects the default port.",
			When: "Only the app and the jump server can open a connection to it.",
			Holds: func(g *graph.Graph, _ policy.Environment, v policy.Violation) bool {
				kinds := map[string]graph.Kind{}
				name := ""
				for _, p := range g.Places() {
					kinds[p.Name] = p.Kind
					if p.Resource.URN == v.URN {
						name = p.Name
					}
				}
				return name != "" && !slices.ContainsFunc(g.Reachability(), func(r graph.Reach) bool {
					return r.To == name && kinds[r.From] != graph.KindGroup && kinds[r.From] != graph.KindInstance
				})
			},
		}},
		"S3.9": {{
			Reason: "Logging access to the log bucket would itself be an access to it, endlessly.",
			When:   "Logs of another bucket or of a load balancer go there.",
			Holds: func(g *graph.Graph, _ policy.Environment, v policy.Violation) bool {
				return holdsLogs(g, g.ByURN(v.URN))
			},
		}},
		"S3.14": {{
			Reason: "Each log is written once under its own name, and nothing in the stack may delete one; " +
				"versions would keep what should be removed after its retention.",
			When: "Logs of another bucket or of a load balancer go there, and a lifecycle rule removes them.",
			Holds: func(g *graph.Graph, _ policy.Environment, v policy.Violation) bool {
				bucket := g.ByURN(v.URN)
				return holdsLogs(g, bucket) && slices.ContainsFunc(policy.OfBucket(g, bucketLifecycleType, bucket),
					func(r *graph.Resource) bool {
						return slices.ContainsFunc(graph.Items(r.Input("rules")), func(rule any) bool {
							days, ok := graph.Number(graph.At(rule, "expiration.days"))
							return ok && days >= 1 && graph.Text(graph.At(rule, "status")) == "Enabled" &&
								policy.WholeBucket(rule)
						})
					})
			},
		}},
		"CKV_AWS_145": {{
			Reason: "S3 encrypts with keys that it manages. A customer-managed key costs per month and per request, " +
				"must be granted to the load balancer's log delivery and to users of presigned URLs, and " +
				"protects against no one whom the bucket's policy and roles admit.",
			When: "The bucket's default encryption is written out as AES256.",
			Holds: func(g *graph.Graph, _ policy.Environment, v policy.Violation) bool {
				return slices.ContainsFunc(policy.OfBucket(g, bucketEncryptionType, g.ByURN(v.URN)),
					func(r *graph.Resource) bool {
						return slices.ContainsFunc(graph.Items(r.Input("rules")), func(rule any) bool {
							return graph.Text(graph.At(rule,
								"applyServerSideEncryptionByDefault.sseAlgorithm")) == "AES256"
						})
					})
			},
		}},
		"CKV_AWS_119": {{
			Reason: "DynamoDB encrypts every table with a key that AWS owns, and this cannot be turned off. A " +
				"customer-managed key " +
				"costs per month and per request, and protects against no one whom the roles admit.",
			When:  "Always: the service leaves no table unencrypted.",
			Holds: always,
		}},
		"CKV_AWS_158": {{
			Reason: "CloudWatch Logs encrypts every log group with a key that it manages. A customer-managed key " +
				"costs " +
				"per month, must be granted to every service that writes, and protects against nobody whom the " +
				"roles let in; the logs hold no details of people and no secrets.",
			When:  "Always: the service leaves no log group unencrypted.",
			Holds: always,
		}},
		"CKV_AWS_337": {{
			Reason: "SecureString is encrypted with the account's own key aws/ssm, which is used through Parameter " +
				"Store only, by whom IAM lets read the parameter. A customer-managed key costs per month and adds a " +
				"second place to say the same.",
			When: "The parameter is a SecureString, and no role may read all parameters.",
			Holds: func(g *graph.Graph, _ policy.Environment, v policy.Violation) bool {
				r := g.ByURN(v.URN)
				return r != nil && graph.Text(r.Input("type")) == "SecureString" && !policy.AllowsEverywhere(g, "ssm")
			},
		}},
	}
}

// opened reports whether one of the peers can open a connection to a place.
func opened(g *graph.Graph, to graph.Place, from ...string) bool {
	return slices.ContainsFunc(g.Reachability(), func(r graph.Reach) bool {
		return r.To == to.Name && slices.Contains(from, r.From)
	})
}

// holdsLogs reports whether logs of others go into the bucket.
func holdsLogs(g *graph.Graph, bucket *graph.Resource) bool {
	return bucket != nil &&
		(slices.ContainsFunc(g.ByType("aws:s3/bucketLoggingV2:BucketLoggingV2"), func(r *graph.Resource) bool {
			return policy.Bucket(g, r.Input("targetBucket")) == bucket && policy.Bucket(g, r.Input("bucket")) != bucket
		}) || slices.ContainsFunc(g.ByType(balancerType), func(r *graph.Resource) bool {
			return policy.Bucket(g, r.Input("accessLogs.bucket")) == bucket
		}))
}

// always is the condition of an exception that is bound to nothing but the resource being there.
func always(_ *graph.Graph, _ policy.Environment, v policy.Violation) bool { return v.URN != "" }
