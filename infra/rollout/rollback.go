package rollout

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

const howToRollBack = "a refresh that has ended cannot be rolled back: deploy the earlier revision (check it out " +
	"and run pulumi up), " +
	"which rolls it out like any other version"

// rollBack rolls the running refresh back and waits for the end of that.
func (r *run) rollBack(ctx context.Context) error {
	return r.until(ctx, func(ctx context.Context) (bool, error) {
		if r.result.Refresh != "" {
			r.result.Outcome = "rolled-back"
			return r.follow(ctx, r.result.Refresh, types.InstanceRefreshStatusRollbackSuccessful)
		}
		if _, err := r.describeGroup(ctx); err != nil {
			return false, err
		}
		active, err := r.activeRefresh(ctx)
		if err != nil {
			return false, err
		}
		none := &groupError{"no instance refresh of " + r.group + " is running", howToRollBack}
		if active == nil {
			return false, none
		}
		id := aws.ToString(active.InstanceRefreshId)
		switch active.Status {
		case types.InstanceRefreshStatusRollbackInProgress:
			r.progress("the instance refresh %s is already being rolled back: waiting for it to end", id)
		case types.InstanceRefreshStatusCancelling:
			return false, &groupError{"the instance refresh " + id +
				" is being cancelled, which keeps the replaced instances", howToRollBack}
		default:
			err := r.rollbackRefresh(ctx)
			if _, over := errors.AsType[*types.ActiveInstanceRefreshNotFoundFault](err); over {
				return false, none
			}
			if _, cannot := errors.AsType[*types.IrreversibleInstanceRefreshFault](err); cannot {
				return false, &groupError{
					err.Error(), "cancel it (aws autoscaling cancel-instance-refresh --auto-scaling-group-name " +
						r.group + ") and deploy the earlier revision with pulumi up",
				}
			}
			if err != nil {
				return false, err
			}
			r.progress("rolling back the instance refresh %s to %s", id, describePin(desiredPin(active)))
		}
		r.result.Refresh = id
		return false, nil
	})
}
