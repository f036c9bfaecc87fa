package plan

import (
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// everywhere are the rules of inputs that mean the same wherever a type has one of their names, by the last part of
// their paths. What a type has a rule or a guard for is that one's.
var everywhere = []rule{
	orNew("publiclyAccessible isPubliclyAccessible associatePublicIpAddress assignPublicIp", exposes,
		to("it gets a public address", "true", "enabled")),
	input("publiclyAccessible isPubliclyAccessible", stops, unreached),
	orNew("allowExternalPrincipals", exposes, to("whoever is outside the organization can be let in", "true")),
	orNew("sharedAccounts allowedPrincipals", exposes, sharedWith),
	orNew("privileged privilegedMode", weakens, to("what runs in it has all rights on its host", "true")),
	input("backupRetentionPeriod snapshotRetentionLimit snapshotRetentionPeriod automaticBackupRetentionDays "+
		"automatedSnapshotRetentionPeriod", weakens, bothGiven(lower(0, "backups are kept for %s days instead of %s"))),
	input("enabledCloudwatchLogsExports", hides, fewer("some of its logs are no longer kept")),
	input("iamDatabaseAuthenticationEnabled", stops, from("true", "whoever signs in by a role can no longer")),
	input("autoMinorVersionUpgrade", weakens, to("fixes are no longer installed by themselves", "false")),
}

// guardsEverywhere are the guards that mean the same wherever a type has one of their names.
var guardsEverywhere = []guard{
	{"", "deletionProtection", true, false, undeletable},
	{"", "deletionProtectionEnabled", true, false, undeletable},
	{"", "enableDeletionProtection", true, false, undeletable},
	{"", "deleteProtection", true, false, undeletable},
	{"", "terminationProtection", true, false, undeletable},
	{"", "terminationProtectionEnabled", true, false, undeletable},
	{"", "skipFinalSnapshot", false, false, "no snapshot is left when it is deleted"},
	{"", "skipFinalBackup", false, false, "no backup is left when it is deleted"},
	{"", "deleteAutomatedBackups", false, true, "its backups are deleted with it"},
	{"", "multiAz", true, false, "no standby takes over when its zone fails"},
	{"", "forceDestroy", false, false, unstoppable},
	{"", "forceDelete", false, false, unstoppable},
}

// unstoppable is what goes with asking a provider to delete what else it would not, as by what is in it.
const unstoppable = "it is deleted, with all it has, where its deletion was refused"

// bothGiven judges where both sides are given.
func bothGiven(judge judge) judge {
	return func(old, now any) string {
		if old == nil || now == nil {
			return ""
		}
		return judge(old, now)
	}
}

// sharedWith judges the accounts that are given what a resource has.
func sharedWith(old, now any) string {
	if come := without(graph.Texts(now), graph.Texts(old)); slices.Contains(come, code("all")) ||
		slices.Contains(come, code("*")) {
		return "everyone is given it"
	}
	return further("%s is given it")(old, now)
}

// rulesOf are the rules of a type: its own, and those that hold everywhere, at the paths where its resources have them.
func rulesOf(token string, resources ...*graph.Resource) []rule {
	var found []rule
	for _, r := range inputRules {
		if r.token == token {
			found = append(found, r)
		}
	}
	for _, r := range resources {
		if r == nil {
			continue
		}
		graph.Walk("", r.Inputs, func(at string, _ any) {
			path := position.ReplaceAllString(at, "")
			if strings.Contains(at, "].") {
				return // of an element of a list, which has no path
			}
			for _, general := range alike(token, path) {
				if !slices.ContainsFunc(found, func(r rule) bool { return r.path == path && r.kind == general.kind }) {
					general.token, general.path = token, path
					found = append(found, general)
				}
			}
		})
	}
	return found
}

// alike are the rules for all types that hold at a path of one.
func alike(token, path string) []rule {
	name := path[strings.LastIndexByte(path, '.')+1:]
	var found []rule
	for _, r := range everywhere {
		if slices.Contains(strings.Fields(r.path), name) {
			found = append(found, r)
		}
	}
	own := func(r rule) bool { return r.token == token && r.path == path }
	if len(found) > 0 && slices.ContainsFunc(inputRules, own) {
		return nil
	}
	return found
}

// settledEverywhere reports whether the rules for all types know what a change at a path of one means: what holds on
// both sides is known, or they tell something. Of an element of a list they are not asked.
func settledEverywhere(token, path string, old, now *graph.Resource) bool {
	was, is, rules := old.Input(path), now.Input(path), alike(token, path)
	return len(rules) > 0 && given(token, path, was, old) != nil && given(token, path, is, now) != nil ||
		slices.ContainsFunc(rules, func(r rule) bool { return r.judge(was, is) != "" })
}

// guardsOf are the guards of a type: its own, and those that hold everywhere.
func guardsOf(token string) []guard {
	var found []guard
	for _, g := range guards {
		if g.token == token {
			found = append(found, g)
		}
	}
	for _, g := range guardsEverywhere {
		if !slices.ContainsFunc(found, func(own guard) bool { return own.path == g.path }) &&
			!slices.ContainsFunc(inputRules, func(r rule) bool { return r.token == token && r.path == g.path }) {
			g.token = token
			if unset := unsetValues()[token+" "+g.path]; unset != "" {
				g.absent = unset == "true"
			}
			if g.means == unstoppable && contents[token] != "" {
				g.means = "it is emptied and deleted instead of refusing deletion"
			}
			if g.means == undeletable && !strings.HasPrefix(token, "aws:") {
				g.means = "its deletion is no longer refused"
			}
			found = append(found, g)
		}
	}
	return found
}
