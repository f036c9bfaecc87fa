package policy

import "dossier.example/plan/graph"

func tableRules() []Rule {
	return []Rule{
		{
			ID: "DynamoDB.2", Also: []string{"CKV_AWS_28"},
			Says:  "Tables can be restored to any point of the last days.",
			Needs: []string{tableType},
			Check: Must(tableType, "pointInTimeRecovery.enabled", true, "set pointInTimeRecovery.enabled to true"),
		},
		{
			ID:         "DynamoDB.6",
			Says:       "Tables cannot be deleted by mistake.",
			Production: true, Otherwise: "A trial environment is destroyed in one step.",
			Needs: []string{tableType},
			Check: Must(tableType, "deletionProtectionEnabled", true, "set deletionProtectionEnabled to true"),
		},
		{
			ID:    "CKV_AWS_119",
			Says:  "Tables are encrypted with a customer-managed KMS key.",
			Needs: []string{tableType},
			Check: Each(tableType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				if graph.Is(r.Input("serverSideEncryption.enabled"), true) &&
					r.Input("serverSideEncryption.kmsKeyArn") != nil {
					return nil
				}
				return []Violation{At(r, "set serverSideEncryption with kmsKeyArn", "it is encrypted with an AWS key")}
			}),
		},
	}
}
