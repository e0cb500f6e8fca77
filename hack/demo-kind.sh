#!/usr/bin/env bash
# Upgrades an App on a kind cluster with Flux's published images. Needs Docker, kind, kubectl, flux, helm, git and the internet.
# It is not part of the tests: `make demo` shows more and needs none of these. No app-operator runs here, so the App's
# version changes in Git and in the cluster, and nothing is installed from it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=app-upgrade-operator
image=$name:demo
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
git_url=http://demo:demo-demo@localhost:3000/demo/gitops.git

step() { printf '\n== %s\n' "$*"; }

push_chart() {
  helm package "$work/hello-world" --version "$1" --destination "$work" >/dev/null
  helm push "$work/hello-world-$1.tgz" oci://localhost:5000/charts --plain-http
}

step "Cluster $name with Flux, its image controllers, and the kinds of Giant Swarm's App Platform"
kind get clusters | grep -qx "$name" || kind create cluster --name "$name"
kubectl config use-context "kind-$name"
flux install --components-extra=image-reflector-controller,image-automation-controller
kubectl apply -f hack/local/crds/giantswarm

step "The operator"
docker build --tag "$image" .
kind load docker-image "$image" --name "$name"
helm upgrade --install "$name" helm/app-upgrade-operator --namespace app-upgrade-operator --create-namespace --wait \
  --set image.registry=docker.io,image.name=library/"$name",image.tag=demo,image.pullPolicy=Never \
  --set 'networkPolicy.egressPorts={22,443,6443,3000}'

step "A registry and a Git server"
kubectl apply --namespace default -f hack/demo-kind/servers.yaml
kubectl rollout status --namespace default deployment/registry deployment/gitea --timeout=5m
kubectl exec --namespace default deployment/gitea -- gitea admin user create --username demo --password demo-demo \
  --email demo@example.com --must-change-password=false || true # there already on a second run
kubectl port-forward --namespace default service/registry 5000 >/dev/null &
kubectl port-forward --namespace default service/gitea 3000 >/dev/null &
curl --silent --retry 20 --retry-delay 1 --retry-all-errors --output /dev/null http://localhost:5000/v2/ http://localhost:3000

step "A chart, a GitOps repository with an App of it, and Flux that applies it"
helm create "$work/hello-world" >/dev/null
push_chart 1.0.0
mkdir -p "$work/gitops/apps"
cp hack/demo-kind/app.yaml "$work/gitops/apps/"
git -C "$work/gitops" init --quiet --initial-branch=main
git -C "$work/gitops" add .
git -C "$work/gitops" -c user.name=Demo -c user.email=demo@example.com commit --quiet --message "Add hello-world"
git -C "$work/gitops" push --quiet --force "$git_url" main
kubectl create secret generic gitops --namespace default --dry-run=client --output yaml \
  --from-literal=username=demo --from-literal=password=demo-demo | kubectl apply -f -
kubectl apply -f hack/demo-kind/flux.yaml
kubectl wait --namespace default kustomization/apps --for=condition=Ready --timeout=3m

step "The policy, and then a newer chart"
kubectl apply -f hack/demo-kind/policy.yaml
kubectl wait --namespace default appupgradepolicy/hello-world --for=condition=MarkersPlaced --timeout=3m
push_chart 1.1.0
push_chart 2.0.0
kubectl wait --namespace default app/hello-world --for=jsonpath='{.spec.version}'=1.1.0 --timeout=5m

step "What happened"
git -C "$work/gitops" pull --quiet "$git_url" main
git -C "$work/gitops" --no-pager log --patch --reverse
kubectl get appupgradepolicies --namespace default
echo "Remove it all: kind delete cluster --name $name"
