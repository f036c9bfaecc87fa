package policy

import "dossier.example/plan/graph"

// unset are the inputs that rules of the catalogue demand and that keep the rule where they are not given, by type and
// path, from website/docs/r and internal/service of https://github.com/hashicorp/terraform-provider-aws: the provider
// sends these, or AWS has them.
var unset = map[string]any{
	databaseType + " autoMinorVersionUpgrade":                      true,
	databaseType + " backupRetentionPeriod":                        0.0,
	databaseType + " publiclyAccessible":                           false,
	databaseType + " skipFinalSnapshot":                            false,
	clusterType + " backupRetentionPeriod":                         1.0,
	clusterType + " skipFinalSnapshot":                             false,
	clusterInstanceType + " autoMinorVersionUpgrade":               true,
	clusterInstanceType + " publiclyAccessible":                    false,
	instanceType + " metadataOptions.httpPutResponseHopLimit":      1.0,
	templateType + " metadataOptions.httpPutResponseHopLimit":      1.0,
	configurationType + " metadataOptions.httpPutResponseHopLimit": 1.0,
	balancerType + " desyncMitigationMode":                         "defensive",
}

// Held returns the value that an input has: the one that is given, or the one that holds without, where that is known
// of it here.
func Held(r *graph.Resource, path string) any {
	if v := r.Input(path); v != nil {
		return v
	}
	return unset[r.Token+" "+path]
}
