package plan

import "fmt"

// controlPlane judges a newer version of Kubernetes that EKS takes, and controlPlaneRefused one that it does not: it
// goes on by one minor version at a time, and back by one within 7 days of the upgrade.
func controlPlane(old, now any) string {
	if minors(old, now) != 1 {
		return ""
	}
	return fmt.Sprintf("the cluster is upgraded, which may take interfaces away from what runs in it, and can be "+
		"undone "+
		"within 7 days only (%s → %s)", orUnset(old), orUnset(now))
}

func controlPlaneRefused(old, now any) string {
	order, known := compareVersions(old, now)
	switch n := minors(old, now); {
	case now == nil || known && order == 0 || n == 1:
		return ""
	case !known:
		return fmt.Sprintf("EKS goes on by one minor version at a time, and these cannot be compared here (%s → %s)",
			orUnset(old), orUnset(now))
	case n == -1:
		return fmt.Sprintf("EKS goes back to an earlier version only within 7 days of its upgrade (%s → %s), or the "+
			"deployment fails halfway", orUnset(old), orUnset(now))
	case order < 0:
		return fmt.Sprintf("EKS goes back by one minor version at most (%s → %s), so the deployment fails halfway",
			orUnset(old), orUnset(now))
	}
	return fmt.Sprintf("EKS goes on by one minor version at a time (%s → %s), so the deployment fails halfway",
		orUnset(old), orUnset(now))
}

// minors is by how many minor versions of the same major one a version comes after another; 0: by none, or that is not
// known.
func minors(old, now any) int {
	was, is := versionOf(old).numbers, versionOf(now).numbers
	if len(was) < 2 || len(is) < 2 || was[0] != is[0] {
		return 0
	}
	return is[1] - was[1]
}
