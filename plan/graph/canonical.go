package graph

import (
	"cmp"
	"slices"
	"strings"
)

// renamed are the types of S3 that version 7 of the Pulumi provider calls without the V2 of version 6
// (https://www.pulumi.com/registry/packages/aws/how-to-guides/7-0-migration/).
var renamed = []string{"AccelerateConfiguration", "Acl", "CorsConfiguration", "LifecycleConfiguration", "Logging",
	"ObjectLockConfiguration", "RequestPaymentConfiguration", "ServerSideEncryptionConfiguration", "Versioning",
	"WebsiteConfiguration"}

// older has the older names of modules of the Pulumi provider for AWS, each an alias of another one, and that of the
// objects of S3 (provider/resources.go of https://github.com/pulumi/pulumi-aws).
var older = strings.NewReplacer("aws:alb/", "aws:lb/", "aws:applicationloadbalancing/", "aws:lb/",
	"aws:elasticloadbalancingv2/", "aws:lb/", "aws:elasticloadbalancing/", "aws:elb/",
	"aws:s3/bucketObject:BucketObject", "aws:s3/bucketObjectv2:BucketObjectv2")

// Canonical is the one token that stands for all by which versions of the Pulumi provider for AWS know a type.
func Canonical(token string) string {
	if name, is := strings.CutPrefix(token, "aws:s3/bucket"); is {
		name, _, _ = strings.Cut(name, ":")
		if slices.Contains(renamed, name) {
			return "aws:s3/bucket" + name + "V2:Bucket" + name + "V2"
		}
	}
	return older.Replace(token)
}

// Canonical is the graph with the canonical tokens of its resources, which are called as before. It may be nil.
func (g *Graph) Canonical() *Graph {
	if g == nil || !slices.ContainsFunc(g.Resources, func(r *Resource) bool { return Canonical(r.Token) != r.Token }) {
		return g
	}
	resources := make([]*Resource, len(g.Resources))
	for i, r := range g.Resources {
		other := *r
		if token := Canonical(r.Token); token != r.Token {
			other.Token, other.Registered = token, r.Token
		}
		resources[i] = &other
	}
	return g.of(resources)
}

// of is the graph with other recordings of its resources.
func (g *Graph) of(resources []*Resource) *Graph {
	other, err := New(g.Project, g.Stack, resources...)
	if err != nil {
		panic("graph: " + err.Error()) // the resources are those of a graph
	}
	other.take(g)
	return other
}

// Kind is what people call the type of the resource, by the name that the program has for it.
func (r *Resource) Kind() string { return Type(cmp.Or(r.Registered, r.Token)) }
