package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/hack/local/registry"
)

// step is one part of the story.
type step struct {
	title string
	do    func(context.Context) error
	// until says when the step is over.
	until string
	over  func(*world) error
}

// story is what happens.
func (d *demo) story() []step {
	return []step{
		{
			title: "Flux installs the Apps of a GitOps repository", do: d.installApps,
			until: "the Apps run", over: installed,
		},
		{
			title: "Policies are applied: the operator marks the versions in Git, and none changes", do: d.applyPolicies,
			until: "every App of a policy is marked", over: marked,
		},
		{
			title: "Pre-releases and versions out of range are published: nothing happens", do: d.publishForbidden,
			until: "Flux has seen them", over: forbiddenSeen,
		},
		{
			title: "Newer versions in range are published: Flux commits them", do: d.publishWanted,
			until: "the Apps run them and the repository is at rest", over: upgraded,
		},
		{
			title: "A human takes " + reverted + " back in Git", do: d.revert,
			until: "the App is back and held", over: held,
		},
		{
			title: "Another App goes on, and the human's version stays", do: d.publishLater,
			until: "the other App runs its newest version and the repository is at rest", over: wentOn,
		},
	}
}

// tell lets the story happen.
func (d *demo) tell(ctx context.Context) error {
	for _, s := range append(d.story(), d.fleetStory()...) {
		d.timeline.print(entryf(labelStep, "%s", s.title))
		if err := s.do(ctx); err != nil {
			return err
		}
		if err := d.watcher.await(ctx, s.until, s.over); err != nil {
			return err
		}
	}
	return nil
}

// publish pushes versions of a chart to the registry, with Helm.
func (d *demo) publish(ctx context.Context, chart string, versions ...string) error {
	for _, version := range versions {
		if err := d.environment.Registry.Push(ctx, registry.Chart{Name: chart, Version: version}); err != nil {
			return err
		}
		d.timeline.print(entryf(labelPush, "%s %s", chart, version))
	}
	return nil
}

// installApps lets Flux apply the repository, with a user that may push.
func (d *demo) installApps(ctx context.Context) error {
	if err := d.publish(ctx, bystander, bystanderInstalled); err != nil {
		return err
	}
	if err := d.publishOfEach(ctx, func(r role) []string { return []string{r.installed} }); err != nil {
		return err
	}
	if err := d.environment.CreateNamespace(ctx, namespace); err != nil {
		return err
	}
	if err := d.environment.CreateCatalog(ctx, namespace, catalog); err != nil {
		return err
	}
	_, _, err := d.environment.Sync(ctx, environment.GitOps{
		Name: gitops, Namespace: namespace, Repository: d.repository, User: d.robot, Path: "./apps",
	})
	return err
}

func (d *demo) publishForbidden(ctx context.Context) error {
	if err := d.publish(ctx, bystander, bystanderNewer); err != nil {
		return err
	}
	return d.publishOfEach(ctx, func(r role) []string { return r.forbidden })
}

func (d *demo) publishWanted(ctx context.Context) error {
	return d.publishOfEach(ctx, func(r role) []string { return []string{r.wanted} })
}

func (d *demo) publishLater(ctx context.Context) error {
	return d.publishOfEach(ctx, func(r role) []string {
		if r.later == "" {
			return nil
		}
		return []string{r.later}
	})
}

func (d *demo) publishOfEach(ctx context.Context, versions func(role) []string) error {
	for _, r := range cast {
		if err := d.publish(ctx, r.app, versions(r)...); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) applyPolicies(ctx context.Context) error {
	for _, s := range d.samples {
		if err := d.environment.Client.Create(ctx, s.policy); err != nil {
			return fmt.Errorf("apply %s: %w", s.file, err)
		}
		d.timeline.print(entryf(labelPolicy, "%s: %s %s", s.file, strings.Join(s.apps, " and "), s.allowed))
		for _, changed := range s.changed {
			d.timeline.print(entryf(labelPolicy, "changed in it: %s", changed))
		}
	}
	d.timeline.print(entryf(labelPolicy, "added to each: chart.insecure, as the registry here has no TLS, and chart.interval %s", scanInterval))
	return nil
}

// revert commits what ran before, as a human would.
func (d *demo) revert(ctx context.Context) error {
	r, err := roleOf(reverted)
	if err != nil {
		return err
	}
	path := file(r.app)
	content, err := d.repository.File(ctx, gitserver.DefaultBranch, path)
	if err != nil {
		return err
	}
	_, err = d.repository.Commit(ctx, gitserver.Change{
		Message: fmt.Sprintf("Take %s back to %s\n\n%s is slow today.", r.app, r.installed, r.wanted),
		Files:   map[string]string{path: strings.Replace(content, "version: "+r.wanted, "version: "+r.installed, 1)},
	})
	return err
}

func installed(w *world) error {
	complaints := []error{w.runs(bystander, bystanderInstalled)}
	for _, r := range cast {
		complaints = append(complaints, w.runs(r.app, r.installed))
	}
	for _, m := range fleet {
		complaints = append(complaints, w.runs(m.app, fleetInstalled))
	}
	return errors.Join(complaints...)
}

func marked(w *world) error {
	var complaints []error
	for _, r := range cast {
		complaints = append(complaints, w.inState(r.app, v1alpha1.TargetCurrent))
	}
	for _, m := range fleet {
		complaints = append(complaints, w.inState(m.app, v1alpha1.TargetCurrent))
	}
	return errors.Join(append(complaints, w.atRest())...)
}

func forbiddenSeen(w *world) error {
	var complaints []error
	for _, r := range cast {
		for _, version := range r.forbidden {
			complaints = append(complaints, w.sawTag(r.app, version))
		}
	}
	return errors.Join(complaints...)
}

func upgraded(w *world) error {
	var complaints []error
	for _, r := range cast {
		complaints = append(complaints, w.runs(r.app, r.wanted), w.inState(r.app, v1alpha1.TargetDeployed))
	}
	return errors.Join(append(complaints, w.atRest())...)
}

func held(w *world) error {
	r, err := roleOf(reverted)
	return errors.Join(err, w.runs(r.app, r.installed), w.inState(r.app, v1alpha1.TargetHeld))
}

func wentOn(w *world) error {
	complaints := []error{held(w), w.atRest()}
	for _, r := range cast {
		if r.later != "" {
			complaints = append(complaints, w.runs(r.app, r.later), w.inState(r.app, v1alpha1.TargetDeployed))
		}
	}
	return errors.Join(complaints...)
}
