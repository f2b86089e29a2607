"""What keystoneauth discovers of a cloud, as JSON; the cloud is the one of the environment (OS_AUTH_URL, ...)."""
import json
import os

from keystoneauth1 import discover, identity, session

url = os.environ["OS_AUTH_URL"]
root = url[: -len("/v3")] if url.endswith("/v3") else url
bare = session.Session()
generic = identity.Password(
    auth_url=root,
    username=os.environ["OS_USERNAME"],
    password=os.environ["OS_PASSWORD"],
    project_name=os.environ["OS_PROJECT_NAME"],
    user_domain_name="Default",
    project_domain_name="Default",
)
sure = session.Session(auth=generic)


def versions(of):
    return [
        {"version": list(each["version"]), "url": each["url"], "status": each["status"]}
        for each in discover.Discover(bare, of).version_data()
    ]


def endpoint(service_type):
    data = sure.get_endpoint_data(service_type=service_type, interface="public")
    return {
        "url": data.url,
        "version": list(data.api_version) if data.api_version else None,
        "max": list(data.max_microversion) if data.max_microversion else None,
    }


print(
    json.dumps(
        {
            "root": versions(root),
            "v3": versions(root + "/v3"),
            "home": bare.get(root, headers={"Accept": "application/json-home"}).json(),
            "access": sure.auth.get_access(sure).username,
            "endpoints": {
                name: endpoint(name) for name in ("identity", "image", "placement", "compute", "network")
            },
            "all": sorted(sure.get_all_version_data(interface="public")["RegionOne"]["public"]),
        }
    )
)
