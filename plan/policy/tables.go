package policy

import "dossier.example/plan/graph"

func tableRules() []Rule {
	return needing([]Rule{
		{
			ID: "DynamoDB.2", Also: []string{"CKV_AWS_28"},
			Says:  "Tables can be restored to any point of the last days.",
			Check: Must(tableType, "pointInTimeRecovery.enabled", true, "set pointInTimeRecovery.enabled to true"),
		},
		{
			ID:         "DynamoDB.6",
			Says:       "Tables cannot be deleted by mistake.",
			Production: true, Otherwise: "A trial environment is destroyed in one step.",
			Check: Must(tableType, "deletionProtectionEnabled", true, "set deletionProtectionEnabled to true"),
		},
		{
			ID:   "CKV_AWS_119",
			Says: "Tables are encrypted with a customer-managed KMS key.",
			Check: unless(tableType, func(_ *graph.Graph, r *graph.Resource) bool {
				return graph.Is(r.Input("serverSideEncryption.enabled"), true) &&
					r.Input("serverSideEncryption.kmsKeyArn") != nil
			}, "set serverSideEncryption with kmsKeyArn", "it is encrypted with an AWS key"),
		},
	}, tableType)
}
