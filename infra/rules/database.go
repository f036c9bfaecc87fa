package rules

import (
	"regexp"
	"strconv"

	"dossier.example/plan/graph"
	"dossier.example/plan/policy"
)

var mysqlVersion = regexp.MustCompile(`^(\d+)\.(\d+)(\.\d+)?$`)

var database = policy.Rule{
	ID: "Dossier.RDS.1",
	Says: "Databases run MySQL 8.4 or newer (8.0 left standard support on 2026-07-31) and stay out of Extended " +
		"Support, which AWS bills by the hour and turns on unless told otherwise.",
	Needs: []string{databaseType},
	Check: policy.Each(databaseType, func(_ *graph.Graph, _ policy.Environment, r *graph.Resource) []policy.Violation {
		var found []policy.Violation
		m := mysqlVersion.FindStringSubmatch(graph.Text(r.Input("engineVersion")))
		if graph.Text(r.Input("engine")) != "mysql" || m == nil || older(m[1], m[2]) {
			found = append(found, policy.At(r, "set database.version to 8.4", "it runs %s %s",
				policy.Shown(r.Input("engine")), policy.Shown(r.Input("engineVersion"))))
		}
		if graph.Text(r.Input("engineLifecycleSupport")) != "open-source-rds-extended-support-disabled" {
			found = append(found, policy.At(r, "set engineLifecycleSupport to "+
				"open-source-rds-extended-support-disabled", "engineLifecycleSupport is %s",
				policy.Shown(r.Input("engineLifecycleSupport"))))
		}
		return found
	}),
}

// older reports whether a MySQL version is before 8.4. What is no number is.
func older(major, minor string) bool {
	a, errMajor := strconv.Atoi(major)
	b, errMinor := strconv.Atoi(minor)
	return errMajor != nil || errMinor != nil || a < 8 || a == 8 && b < 4
}
