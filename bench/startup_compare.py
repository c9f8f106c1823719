"""What our one-shot commands ask of a store at least, as commands of click and boto3: the yardstick of bench/startup.mjs."""

import sys

import boto3
import click
from botocore.config import Config


@click.group()
@click.option("--endpoint", required=True)
@click.option("--region", required=True)
@click.option("--bucket", required=True)
@click.pass_context
def cli(context, endpoint, region, bucket):
    config = Config(s3={"addressing_style": "path"})
    client = boto3.client("s3", endpoint_url=endpoint, region_name=region, config=config)
    context.obj = (client, bucket)


@cli.command()
@click.argument("key")
@click.pass_obj
def get(store, key):
    client, bucket = store
    sys.stdout.buffer.write(client.get_object(Bucket=bucket, Key=key)["Body"].read())


@cli.command()
@click.argument("key")
@click.pass_obj
def put(store, key):
    client, bucket = store
    client.put_object(Bucket=bucket, Key=key, Body=b'{"text": "hello"}')


@cli.command()
@click.argument("key")
@click.pass_obj
def create(store, key):
    """Older releases of boto3 have no parameter for the condition."""
    client, bucket = store
    client.meta.events.register("before-sign.s3.PutObject", only_if_absent)
    client.put_object(Bucket=bucket, Key=key, Body=b'{"agent": "bench"}')


@cli.command()
@click.argument("key")
@click.pass_obj
def replace(store, key):
    client, bucket = store
    body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    client.put_object(Bucket=bucket, Key=key, Body=body)


@cli.command()
@click.argument("prefix")
@click.pass_obj
def read(store, prefix):
    client, bucket = store
    for entry in client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        sys.stdout.buffer.write(client.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())


def only_if_absent(request, **_):
    request.headers["If-None-Match"] = "*"


cli()
