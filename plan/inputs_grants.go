package plan

import (
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// grantsAll reports whether a list of grants of a bucket has one for everyone, or for everyone who has an account
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#specifying-grantee).
func grantsAll(v any) bool {
	return slices.ContainsFunc(graph.Items(graph.At(v, "grants")), func(grant any) bool {
		uri := graph.Text(graph.At(grant, "grantee.uri"))
		return strings.HasSuffix(uri, "/global/AllUsers") || strings.HasSuffix(uri, "/global/AuthenticatedUsers")
	})
}
