"""What `memory get` does, as a command of click and boto3: the yardstick of bench/startup.mjs."""

import sys

import boto3
import click
from botocore.config import Config


@click.command()
@click.option("--endpoint", required=True)
@click.option("--region", required=True)
@click.option("--bucket", required=True)
@click.argument("key")
def get(endpoint, region, bucket, key):
    config = Config(s3={"addressing_style": "path"})
    client = boto3.client("s3", endpoint_url=endpoint, region_name=region, config=config)
    sys.stdout.buffer.write(client.get_object(Bucket=bucket, Key=key)["Body"].read())


get()
