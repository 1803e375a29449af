// A scheduler extender that does nothing: it reads what kube-scheduler sends, answers with every
// node, ranks them in the order received, and binds plainly. It is the yardstick that Stowage is
// measured against; only the standard library, so that it builds anywhere.
package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
)

type args struct {
	Pod       json.RawMessage
	NodeNames []string
}

type filterResult struct {
	Nodes                      any
	NodeNames                  []string
	FailedNodes                map[string]string
	FailedAndUnresolvableNodes map[string]string
	Error                      string
}

type priority struct {
	Host  string
	Score int64
}

type bindArgs struct{ PodName, PodNamespace, PodUID, Node string }

func answer(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(body)
}

func decode[T any](w http.ResponseWriter, r *http.Request) (value T, ok bool) {
	if err := json.NewDecoder(r.Body).Decode(&value); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return value, false
	}
	return value, true
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "where to answer")
	api := flag.String("api", "", "URL of the API server; without one, bind is not offered")
	token := flag.String("token", "", "bearer token for the API server")
	flag.Parse()

	client := &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 64,
		// A yardstick on loopback, beside an API server that signs its own certificate.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}

	http.HandleFunc("POST /filter", func(w http.ResponseWriter, r *http.Request) {
		if a, ok := decode[args](w, r); ok {
			answer(w, filterResult{NodeNames: a.NodeNames})
		}
	})
	http.HandleFunc("POST /prioritize", func(w http.ResponseWriter, r *http.Request) {
		a, ok := decode[args](w, r)
		if !ok {
			return
		}
		list := make([]priority, len(a.NodeNames))
		for i, name := range a.NodeNames {
			list[i] = priority{name, int64(i + 1)}
		}
		answer(w, list)
	})
	http.HandleFunc("POST /bind", func(w http.ResponseWriter, r *http.Request) {
		a, ok := decode[bindArgs](w, r)
		if !ok {
			return
		}
		body, _ := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Binding",
			"metadata": map[string]string{"name": a.PodName, "namespace": a.PodNamespace, "uid": a.PodUID},
			"target":   map[string]string{"apiVersion": "v1", "kind": "Node", "name": a.Node},
		})
		url := fmt.Sprintf("%s/api/v1/namespaces/%s/pods/%s/binding", *api, a.PodNamespace, a.PodName)
		request, _ := http.NewRequest("POST", url, bytes.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+*token)
		response, err := client.Do(request)
		if err != nil {
			answer(w, map[string]string{"Error": err.Error()})
			return
		}
		defer response.Body.Close()
		io.Copy(io.Discard, response.Body)
		if response.StatusCode/100 != 2 {
			answer(w, map[string]string{"Error": response.Status})
			return
		}
		answer(w, map[string]string{"Error": ""})
	})

	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
